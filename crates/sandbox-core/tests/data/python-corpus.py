"""Writes python-corpus.json: what CPython's own functions say about random texts.

Run it by hand, with CPython 3.11, to make the file anew: python3 python-corpus.py > python-corpus.json
"""

import fnmatch
import json
import posixpath
import random
import shlex
import sys
import unicodedata
import warnings

warnings.simplefilter("ignore")
random.seed(20261126)

WORDS = ["a", "git", " ", "  ", "\t", "\n", "\r", "\v", "\f", "\x00", "\x1c", "\x85", "\xa0", "\u3000", "'", '"', "''",
         '""', "\\", "\\\\", "\\\n", '\\"', "\\'", "$", "#", "=", "\u00e9", "\u200b", "\U0001f600", "'a b'", '"c d"']
GLOBS = ["a", "b", "z", "*", "**", "?", "[", "]", "[a-c]", "[!a]", "[]a]", "[!]a]", "[^a]", "[z-a]", "[!z-a]", "[a-b-c]",
         "[--/]", "[b-ad]", "[a\\]", "[&&~|]", "[b-a!x]", "[[a]", "[]-a]", "[a-]", "[-a]", "**/", "/", ".", "\u00e9", "-"]
TEXTS = ["a", "b", "c", "d", "z", "x", "!", "[", "]", "^", "-", "&", "~", "/", ".", "\u00e9", "\n", "|"]
PATHS = ["a", "b", "/", "//", ".", "..", "w", "/w", "../", "./", " ", "\u00e9", "..."]


def text(atoms, most):
    return "".join(random.choice(atoms) for _ in range(random.randint(0, most)))


def words():
    line = text(WORDS, 10)
    try:
        return line, shlex.split(line)
    except ValueError:
        return line, None


def printed():
    ranges = [0x180, 0x180, 0x3000, 0x10000, 0x110000]
    line = "".join(chr(random.randrange(random.choice(ranges))) for _ in range(random.randint(0, 6)))
    # Without halves of pairs, which no Rust text holds, and without what later versions of Unicode may assign.
    return "".join(c for c in line if unicodedata.category(c) not in ("Cs", "Cn"))


def matched():
    pattern = text(GLOBS, 5)
    name = text(TEXTS, 5).strip("/") or "a"
    name = posixpath.normpath("/" + name)[1:] or "a"
    globs = [(name, pattern), (posixpath.basename(name), pattern)]
    if pattern.startswith("**/"):
        globs.append((posixpath.basename(name), pattern[3:]))
    return pattern, name, any(fnmatch.fnmatchcase(*glob) for glob in globs)


def normal():
    workdir, path = "/" + text(PATHS, 4), text(PATHS, 6)
    return workdir, path, posixpath.normpath(posixpath.join(workdir, path))


globs = [case for case in (matched() for _ in range(4000)) if any(c in case[0] for c in "*?[")]
corpus = {
    "words": [words() for _ in range(300)],
    "repr": [(line, repr(line)) for line in (printed() for _ in range(300))],
    "glob": [case for case in globs if case[2]][:200] + [case for case in globs if not case[2]][:200],
    "path": [normal() for _ in range(300)],
}
print("{")
for name, cases in corpus.items():
    print(f'"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n],")
print(f'"made_by": "CPython {sys.version.split()[0]}"\n}}')
