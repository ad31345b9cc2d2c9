# Waited for: the killer must not be outlived by the shell that started it.
kill $_Dt
wait $_Dt
_Dx=$?
