[ -n "$ZSH_VERSION" ] && emulate sh
{
  exec 2>/dev/null
  PATH=/usr/local/bin:/usr/bin:/bin:${PATH-}
  @DIRS@
  @LOOK@
  # The command may just be on its way.
  _Di=0
  while :; do
    _Dv
    if [ $_Dy = run ]; then
      _Da $_Dp $_Dq || break
      kill -USR1 $_Dp || break
      while _Da $_Dp $_Dq; do sleep 0.02 || sleep 1; done
      printf '\n@NONCE@ killed\n'
      exit 0
    fi
    [ $_Dy = none ] && [ $_Di -lt @TICKS@ ] || break
    _Di=$((_Di+1))
    sleep 0.05 || sleep 1
  done
  printf '\n@NONCE@ %s\n' $_Dy
}
