# Whether the command of this nonce is there, and whether it runs: `none`, `run`, `dead`, `done`.
_Da() { read -r _Dl </proc/$1/stat || return; _Dx=$2; set -- ${_Dl##*") "}; [ "$1" != Z ] && [ "${20}" = "$_Dx" ]; }
_Dv() {
  _Dy=none
  for _Dd in "$_Dt/.denv" "$_Dt/.denv-@NONCE@" /tmp/.denv-@NONCE@ /var/tmp/.denv-@NONCE@ /dev/shm/.denv-@NONCE@; do
    _Df=$_Dd/@NONCE@
    [ -f "$_Df.r" ] && { _Dy=done; return; }
    [ -f "$_Df.p" ] || continue
    read -r _Dp _Dq _Dr _Ds <"$_Df.p" || continue
    _Dy=run
    _Da $_Dr $_Ds && return
    # It may have ended just now.
    if [ -f "$_Df.r" ]; then _Dy=done; else _Dy=dead; fi
    return
  done
}
