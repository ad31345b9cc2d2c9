# The answer is kept too, for the case that it does not arrive; whoever asked removes all of it.
if _Dg >"$_Df.n" && mv "$_Df.n" "$_Df.r"; then cat "$_Df.r"; else _Dk=; _Dg; fi
rm -f "$_Df.i" @FILES@ >/dev/null </dev/null &
