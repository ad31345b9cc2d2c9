[ -n "$ZSH_VERSION" ] && emulate sh
{
exec 2>/dev/null
_Dp=${PATH-}; _Dq=${PATH+1}
PATH=/usr/local/bin:/usr/bin:/bin:$_Dp
_Dw() { printf '@NONCE@ fail %s\n@NONCE@ end\n' "$1"; exit 0; }
_Dm() { [ -O "$1" ] && [ ! -L "$1" ] && [ -w "$1" ]; }
_Dt=${TMPDIR:-/tmp}
case $_Dt in [!/]*|*[!A-Za-z0-9/._-]*) _Dt=/tmp;; esac
_Do=
for _Dd in "$_Dt/.denv" "$_Dt/.denv-@NONCE@" /tmp/.denv-@NONCE@ /var/tmp/.denv-@NONCE@ /dev/shm/.denv-@NONCE@; do
_Dm "$_Dd" || mkdir -m 700 "$_Dd" || _Dm "$_Dd" || continue
_Df=$_Dd/@NONCE@
{ { :; } >"$_Df.o"; } && { { :; } >"$_Df.e"; } && { _Do=$_Df.o; break; }
done
printf '\n'
[ "$_Do" ] || _Dw spill
_De=$_Df.e
_Di=/dev/null
#STDIN
#CWD
#TIMER
(
_Dk() {
read -r _Ds _Dx </proc/self/stat
read -r _Dl </proc/$$/stat
set -- ${_Dl##*") "}
_Dg=-; [ "$3" = $$ ] && _Dg=$$
_Db=${20}
_Dz=0
while [ $_Dz -lt 20 ]; do
_Dz=$((_Dz+1))
_Da=' '
_Dr=0
while [ $_Dr -lt 50 ]; do
_Dr=$((_Dr+1))
_Dn=
for _Dy in /proc/[0-9]*/stat; do
read -r _Dl <$_Dy || continue
set -- ${_Dl##*") "}
_Dy=${_Dy%/stat}
_Dl=${_Dy#/proc/}
case "$_Da$$ $_Ds " in *" $_Dl "*) continue;; esac
[ "$1" != Z ] && [ "${20}" -ge "$_Db" ] && [ "$2" != "$_Ds" ] || continue
_Dh=
if [ "$2" = $$ ] || [ "$3" = $_Dg ]; then _Dh=1
else case "$_Da" in *" $2 "*) _Dh=1;; *)
while IFS= read -r _Dx || [ "$_Dx" ]; do
case $_Dx in *_DENV_MARK=@MARKER@*) _Dh=1; break;; esac
done <$_Dy/environ;; esac
fi
[ "$_Dh" ] && { kill -STOP $_Dl; _Dn=$_Dn$_Dl' '; }
done
[ "$_Dn" ] || break
_Da=$_Da$_Dn
done
[ "$_Da" != ' ' ] || break
kill -KILL $_Da
done
}
trap '[ "$!" -gt 1 ] && kill -9 $!; exit 0' TERM
sleep @SECS@ & wait $! || { sleep @CEIL@ & wait $!; } || exit 0
trap '' TERM
_Dk
exit 7
) >/dev/null </dev/null &
_Dt=$!
#END
(
if [ "$_Dq" ]; then PATH=$_Dp; else unset PATH; fi
export _DENV_MARK=@MARKER@
#EXEC
) <"$_Di" >"$_Do" 2>"$_De"
_Dr=$?
_Dx=0
#JOIN
kill $_Dt
wait $_Dt
_Dx=$?
#END
_Dc=base64
command -v base64 >/dev/null || _Dc='od -An -v -tx1'
_Dk=
_Ds() {
[ -s "$2" ] || { printf '%s 0 h\n.\n' $1; return; }
_Dn=$(od -An -v -tx1 -N@SMALL@ <"$2")
[ "$_Dn" ] && [ ${#_Dn} -lt @SMALLHEX@ ] && { printf '%s - h\n%s\n.\n' $1 "$_Dn"; return; }
_Dn=$(wc -c <"$2") && _Dn=$((_Dn)) || { _Dk="$_Dk$1"; printf '%s ? h\n.\n' $1; return; }
printf '%s %s %s\n' $1 $_Dn $_Dc
if [ $_Dn -le @LIMIT@ ]; then
head -c $_Dn "$2" | $_Dc
printf '.\n'
else
_Dk="$_Dk$1"
head -c @HEAD@ "$2" | $_Dc
printf '.\n'
tail -c +$((_Dn-@TAIL@+1)) "$2" | head -c @TAIL@ | $_Dc
printf '.\n'
fi
}
printf '@NONCE@ ok %s %s\n' $_Dr $_Dx
_Ds o "$_Do"
_Ds e "$_De"
case $_Dk in *o*) _Do=$_Df.i;; esac
case $_Dk in *e*) _De=$_Df.i;; esac
if [ "$_Dk" ]; then printf '@NONCE@ end %s\n' "$_Dd"; else printf '@NONCE@ end\n'; fi
if [ "${_Dd%@NONCE@}" != "$_Dd" ] && [ ! "$_Dk" ]; then rm -rf "$_Dd"; else rm -f "$_Do" "$_De" "$_Df.i" #FILES
fi >/dev/null </dev/null &
}
