[ -n "$ZSH_VERSION" ] && emulate sh
{
  exec 2>/dev/null
  PATH=/usr/local/bin:/usr/bin:/bin:${PATH-}
  @DIRS@
  @LOOK@
  if command -v base64 >/dev/null; then _Dc=base64 _Dj=b; else _Dc='od -An -v -tx1' _Dj=x; fi
  _Dw() { _Dn=-1; [ -f "$1" ] && _Dn=$(wc -c <"$1") && _Dn=$((_Dn)); }
  _Di=0
  while :; do
    # First whether it has ended, then how much there is: so nothing comes after the end.
    _Dv
    _Do=-1 _De=-1
    if [ $_Dy != none ]; then
      _Dw "$_Df.o"
      _Do=$_Dn
      _Dw "$_Df.e"
      _De=$_Dn
    fi
    [ $_Dy = done ] || [ $_Dy = dead ] || [ $_Do -gt @OUT@ ] || [ $_De -gt @ERR@ ] && break
    [ $_Di -lt @TICKS@ ] || break
    _Di=$((_Di+1))
    { if [ $_Di -lt 10 ]; then sleep 0.05; elif [ $_Di -lt 30 ]; then sleep 0.2; else sleep 0.5; fi; } || sleep 1
  done
  # A file, how much is there, how much was read, how much is wanted.
  _Dg() {
    _Dn=$(($2-$3))
    [ $_Dn -gt $4 ] && _Dn=$4
    [ $_Dn -gt 0 ] && tail -c +$(($3+1)) "$1" | head -c $_Dn | $_Dc
    printf '.\n'
  }
  printf '\n@NONCE@ %s %s %s %s\n' $_Dy $_Do $_De $_Dj
  _Dg "$_Df.o" $_Do @OUT@ @PIECE@
  _Dg "$_Df.e" $_De @ERR@ @PIECE@
  [ @WANTED@ = 1 ] && [ $_Dy = done ] && $_Dc <"$_Df.r"
  printf '.\n@NONCE@ end\n'
}
