# Waits for the limit beside the command. When it strikes, or when a signal asks for it, every process of the command is first
# frozen, until a look finds no new one, and then killed: those below the main shell, those of
# its process group when it leads one, and those with the marker in their environment.
(
  _Dk() {
    read -r _Ds _Dx </proc/self/stat
    read -r _Dl </proc/$$/stat
    set -- ${_Dl##*") "}
    _Dg=-
    [ "$3" = $$ ] && _Dg=$$
    # Start time: what is older than the main shell is none of ours.
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
          if [ "$2" = $$ ] || [ "$3" = $_Dg ]; then
            _Dh=1
          else
            case "$_Da" in *" $2 "*) _Dh=1;; *)
              while IFS= read -r _Dx || [ "$_Dx" ]; do
                case $_Dx in *@MARK@*) _Dh=1; break;; esac
              done <$_Dy/environ;;
            esac
          fi
          [ "$_Dh" ] && { kill -STOP $_Dl; _Dn="$_Dn$_Dl "; }
        done
        [ "$_Dn" ] || break
        _Da=$_Da$_Dn
      done
      [ "$_Da" != ' ' ] || break
      kill -KILL $_Da
    done
  }
  # KILL, since a TERM that comes between fork and exec of the sleep would be swallowed.
  # Some shells start with $! = 0, which would mean the whole group.
  trap '[ "$!" -gt 1 ] && kill -KILL $!; exit 0' TERM
  # Somebody asks for the end before the limit.
  trap 'trap "" TERM USR1; [ "$!" -gt 1 ] && kill -KILL $!; _Dk; exit 8' USR1
  # Who is to be asked: this process and the main shell, each with its start time.
  _Dh() {
    read -r _Dl </proc/$1/stat
    set -- ${_Dl##*") "}
    _Dg=${20}
  }
  read -r _Ds _Dx </proc/self/stat
  _Dh $_Ds
  _Dn="$_Ds $_Dg"
  _Dh $$
  printf '%s %s %s\n' "$_Dn" $$ $_Dg >"$_Df.p"
  # The second form is for a sleep that takes whole seconds only.
  sleep @SECS@ & wait $! || { sleep @CEIL@ & wait $!; } || exit 0
  trap '' TERM USR1
  _Dk
  exit 7
) >/dev/null </dev/null &
_Dt=$!
