# Where the files of a command may be.
_Dt=${TMPDIR:-/tmp}
case $_Dt in [!/]*|*[!A-Za-z0-9/._-]*) _Dt=/tmp;; esac
