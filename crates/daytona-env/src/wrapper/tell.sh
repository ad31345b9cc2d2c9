_Dg
# In the background: the answer need not wait for it.
case $_Dk in *o*) _Do=;; esac
case $_Dk in *e*) _De=;; esac
_Di=
[ "$_Dk" ] || case $_Dd in *@NONCE@) _Di=$_Dd;; esac
rm -rf ${_Do:+"$_Do"} ${_De:+"$_De"} ${_Di:+"$_Di"} "$_Df.i" "$_Df.p" @FILES@ >/dev/null </dev/null &
