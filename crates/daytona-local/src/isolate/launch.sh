# Runs inside a sandbox, before the shell that gets the command. The variables come under harmless names, since nothing
# of the sandbox may steer a program that still runs outside (LD_PRELOAD, for one), and no value may show in an argv.
_launch_index=0
while [ "$_launch_index" -lt "$_launch_count" ]; do
    # `command`, so that a name this shell keeps for itself (UID) is skipped and ends nothing.
    eval "command export \"\$_launch_$_launch_index\" 2>/dev/null; unset _launch_$_launch_index"
    _launch_index=$((_launch_index + 1))
done
cd "$_launch_cwd" || exit 126
unset _launch_index _launch_count _launch_cwd OLDPWD
exec "$@"
