# Pipes and subshells, for busybox's shell and for dash.
echo one two three | tr ' ' '\n' | sort | cat -n
n=0
for i in 1 2 3 4 5; do n=$((n + i)); done
echo "sum $n"
(n=100; echo "inside $n"; exit 3)
echo "status $? outside $n"
x=$(echo nested $(echo command $(echo substitution)))
echo "$x"
{ echo b; echo a; echo c; } | sort | while read -r line; do printf '<%s>' "$line"; done
echo
f() { echo "f $# $*"; return 4; }
f a 'b c' d || echo "returned $?"
cat << HERE | tr a-z A-Z
from here
HERE
seq 1 2000 | wc -c
seq 1 20000 | tail -n 1
sh -c 'kill -KILL $$'
echo "killed $?"
false | true && echo "the last counts"
exit 6
