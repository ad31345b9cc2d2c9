[ -n "$ZSH_VERSION" ] && emulate sh
{
  exec 2>/dev/null
  PATH=/usr/local/bin:/usr/bin:/bin:${PATH-}
  @DIRS@
  @LOOK@
  _Dv
  if [ $_Dy != none ]; then
    @FILES@
    rm -f "$_Df.p" "$_Df.n" "$_Df.r" "$_Df.i"
    case $_Dd in *@NONCE@) rmdir "$_Dd";; esac
  fi
  printf '\n@NONCE@ clean\n'
}
