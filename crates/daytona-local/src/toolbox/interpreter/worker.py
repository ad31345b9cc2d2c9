

# Runs code for one context. Requests come as JSON lines on standard input, events go as JSON lines to what was
# standard output. What the code itself, or a program it starts, writes to the two streams comes through pipes.
import builtins, io, json, os, signal, sys, threading, traceback

requests = os.fdopen(os.dup(0), "rb")
events = os.fdopen(os.dup(1), "wb")
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
os.close(null)
lock = threading.Lock()


def tell(kind, text="", name="", value="", trace=""):
    event = {"type": kind, "text": text, "name": name, "value": value, "traceback": trace}
    line = json.dumps(event).encode("utf-8", "replace") + b"\n"
    with lock:
        events.write(line)
        events.flush()


class Pump:
    """Tells what comes through a file descriptor. A line, or 1 KiB, at once."""

    def __init__(self, kind, fd):
        self.kind = kind
        read, write = os.pipe()
        os.dup2(write, fd)
        os.close(write)
        self.sign = b"\0" + os.urandom(16).hex().encode() + b"\0"
        self.fd = fd
        self.seen = threading.Event()
        threading.Thread(target=self.run, args=(read,), daemon=True).start()

    def run(self, read):
        decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")
        held = b""
        while True:
            piece = os.read(read, 65536)
            if not piece:
                return
            held += piece
            synced = self.sign in held
            if synced:
                held = held.replace(self.sign, b"")
            # a sign may be cut in two; it begins with a byte that text seldom has
            at = held.rfind(b"\0")
            keep = at if 0 <= at and self.sign.startswith(held[at:]) else len(held)
            text = decoder.decode(held[:keep])
            held = held[keep:]
            for start in range(0, len(text), 1024):
                tell(self.kind, text[start:start + 1024])
            if synced:
                self.seen.set()

    def sync(self):
        self.seen.clear()
        os.write(self.fd, self.sign)
        self.seen.wait(5)


pumps = [Pump("stdout", 1), Pump("stderr", 2)]
for name, fd in (("stdout", 1), ("stderr", 2)):
    writer = io.BufferedWriter(io.FileIO(fd, "w", closefd=False))
    setattr(sys, name, io.TextIOWrapper(writer, "utf-8", "replace", line_buffering=True))
sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False))
sys.argv = [""]
scope = {"__name__": "__main__", "__builtins__": builtins}
pending = []
ready = threading.Condition()


def listen():
    for line in requests:
        request = json.loads(line)
        if request.get("interrupt"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            continue
        with ready:
            pending.append(request)
            ready.notify()
    os._exit(0)


def run(request):
    shown.clear()
    before = dict(os.environ)
    os.environ.update(request["envs"])
    word = "completed"
    try:
        exec(compile(request["code"], "<stdin>", "exec"), scope)
    except SystemExit:
        pass
    except KeyboardInterrupt:
        word = "interrupted"
    except BaseException as error:
        # without the frame of this worker
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        trace = "".join(traceback.format_exception(type(error), error, frames))
        failed = ("error", "", type(error).__name__, str(error), trace)
        finish(before)
        tell(*failed)
        tell("control", word)
        return
    finish(before)
    tell("control", word)


def finish(before):
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)
    settle()


def draw(told):
    # after what was written before; the value is a text as all others are
    settle()
    tell("chart", value=json.dumps(json.loads(told)["value"]))


def settle():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    for pump in pumps:
        pump.sync()


shown = install(draw)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=listen, daemon=True).start()
tell("ready")
while True:
    try:
        with ready:
            while not pending:
                ready.wait()
            request = pending.pop(0)
        run(request)
    except KeyboardInterrupt:
        # it came between two runs
        pass
