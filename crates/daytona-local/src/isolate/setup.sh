# Builds the private root of one sandbox and becomes its pid 1. Runs as the first process of new user, mount, pid,
# ipc and uts namespaces. Arguments: the root, the shared /etc, `own` if the network is its own too, else `shared`, how
# many directories to show read-only at their own place and those; then for each volume its folder, what of it to show,
# and where.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1
etc=$2
network=$3
binds=$4
shift 4

# This process's id as the host sees it: /proc is still the host's.
read -r host_pid _ </proc/self/stat

# Flags a mount had before must be named again here, or a user namespace may not change it.
lock() {
    mount -n -o "remount,bind,ro,nosuid$2" "$1" 2>/dev/null ||
        mount -n -o "remount,bind,ro,nosuid,nodev$2" "$1" 2>/dev/null ||
        mount -n -o "remount,bind,ro,nosuid,nodev,noatime$2" "$1" 2>/dev/null ||
        mount -n -o "remount,bind,ro,nosuid,nodev,noexec$2" "$1" 2>/dev/null ||
        mount -n -o "remount,bind,ro,nosuid,nodev,noexec,noatime$2" "$1"
}

show() {
    mkdir -p "$2"
    mount -n --rbind "$1" "$2"
    lock "$2" ""
}

mount -n --make-rprivate /
mount -n --bind "$root" "$root"
for dir in /usr /bin /sbin /lib /lib32 /lib64 /libx32; do
    if [ -d "$dir" ] && [ ! -L "$dir" ]; then show "$dir" "$root$dir"; fi
done
show "$etc" "$root/etc"
while [ "$binds" -gt 0 ]; do
    # what the sandbox itself put on the way must not lead out of its root
    if [ "$(readlink -m "$root$1")" != "$(readlink -m "$root")$1" ]; then
        echo "a link is on the way to $1" >&2
        exit 1
    fi
    show "$1" "$root$1"
    binds=$((binds - 1))
    shift
done
# What was mounted below those is still writable.
while read -r _ _ _ _ point _; do
    case $point in
    "$root"/?*) lock "$point" "" 2>/dev/null || exit 1 ;;
    esac
done </proc/self/mountinfo

mount -n -t proc -o nosuid,nodev,noexec proc "$root/proc"
# A limit of this user namespace, not of the host's: no namespaces inside, so no capabilities again.
echo 0 >"$root/proc/sys/user/max_user_namespaces"
for path in sys sysrq-trigger irq bus fs acpi scsi; do
    if [ -e "$root/proc/$path" ]; then
        mount -n --bind "$root/proc/$path" "$root/proc/$path"
        mount -n -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$path"
    fi
done
for path in kcore keys timer_list latency_stats kmsg; do
    if [ -e "$root/proc/$path" ]; then mount -n --bind /dev/null "$root/proc/$path"; fi
done
for node in null zero full random urandom tty; do
    mount -n --bind "/dev/$node" "$root/dev/$node"
done
mount -n -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts "$root/dev/pts" 2>/dev/null || :
hostname sandbox 2>/dev/null || :
# A network of its own begins without even a loopback.
if [ "$network" = own ]; then
    ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || :
fi

cd "$root"
mkdir -p .old
pivot_root . .old
cd /
# Volumes come in whole, and only from in here a part of one is shown: whatever links are on the way, to the part or to
# its place, they end inside this root.
stage() {
    number=0
    while [ $# -gt 0 ]; do
        mkdir -p "/.volumes/$number"
        mount -n --bind "/.old$1" "/.volumes/$number"
        number=$((number + 1))
        shift 3
    done
}
stage "$@"
umount -n -l /.old
rmdir /.old
number=0
while [ $# -gt 0 ]; do
    mkdir -p "/.volumes/$number/$2" "$3"
    mount -n --bind "/.volumes/$number/$2" "$3"
    umount -n "/.volumes/$number"
    rmdir "/.volumes/$number"
    number=$((number + 1))
    shift 3
done
[ "$number" -eq 0 ] || rmdir /.volumes

echo "ready $host_pid"
# An ignored SIGCHLD stays ignored across exec: the kernel reaps what lands at pid 1. The server holds the other end
# of stdin, so when the server is gone, so is pid 1, and with it everything in here.
trap '' CHLD
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all cat >/dev/null 2>&1
