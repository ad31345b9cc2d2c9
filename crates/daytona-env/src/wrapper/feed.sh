# Hands the pieces to the command in their order, as they come. The end is there after the last of them.
_Di=$_Df.i
mkfifo -m 600 "$_Di" || { rm -f "$_Df".[oei]; _Dw stdin; }
(
  _Dn=0
  while :; do
    if [ -f @PIECES@.$_Dn ]; then
      # It fails where the command reads no more.
      cat @PIECES@.$_Dn || exit
      rm -f @PIECES@.$_Dn
      _Dn=$((_Dn+1))
    elif [ -f @PIECES@.end ]; then
      [ -f @PIECES@.$_Dn ] || exit
    else
      sleep 0.05 || sleep 1
    fi
  done
) >"$_Di" 2>/dev/null </dev/null &
_Du=$!
