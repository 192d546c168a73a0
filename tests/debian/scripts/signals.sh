# Traps, jobs that are killed, stopped and continued, and waits that a signal ends.
trap 'echo usr1' USR1
kill -USR1 $$
(
  trap 'echo in the child; exit 3' TERM
  while :; do sleep 0.01; done
) &
child=$!
sleep 0.1
kill -TERM $child
wait $child
echo "child $?"
sleep 100 &
kill -9 $!
wait $! 2> /dev/null
echo "killed $?"
sleep 100 &
kill -STOP $!
kill -TERM $!
kill -CONT $!
wait $!
echo "stopped, then $?"
trap '' INT
sh -c 'kill -INT $$; echo ignored'
trap - INT
sh -c 'kill -INT $$; echo not printed'
echo "interrupted $?"
trap 'echo woken' USR2
(sleep 0.05; kill -USR2 $$; sleep 0.1) &
wait $!
echo "wait $?"
wait
yes | head -n 2
exec 3>&1
(
  trap '' PIPE
  sleep 0.05
  echo nobody reads 2> /dev/null || echo "write failed" >&3
) | :
trap 'echo bye' EXIT
(trap 'echo sub' EXIT; exit 4)
echo "sub $?"
(sleep 0.05; kill -TERM $$) &
trap 'echo term; exit 9' TERM
while :; do :; done
