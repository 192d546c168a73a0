# Files, signals and what runs in the background, for busybox's shell and for dash.
echo hello > /tmp/pagewalk.$$
echo world >> /tmp/pagewalk.$$
wc -l < /tmp/pagewalk.$$
cat /tmp/pagewalk.$$ - << HERE | tr a-z A-Z
from here
HERE
mv /tmp/pagewalk.$$ /tmp/pagewalk.moved.$$
mkdir -p /tmp/pagewalk.dir.$$/deep
cp /tmp/pagewalk.moved.$$ /tmp/pagewalk.dir.$$/deep/copy
ln -s copy /tmp/pagewalk.dir.$$/deep/link
cat /tmp/pagewalk.dir.$$/deep/link
(cd /tmp/pagewalk.dir.$$ && find_count=$(ls -a deep | wc -l) && echo "$find_count entries")
rm -r /tmp/pagewalk.dir.$$ /tmp/pagewalk.moved.$$
[ -e /tmp/pagewalk.moved.$$ ] || echo gone
nothing > /dev/null 2>&1
echo "status $?"
trap 'echo term' TERM
kill -TERM $$
sleep 0 &
wait $!
echo "waited $?"
(sleep 0.01; exit 7) &
wait $!
echo "waited $?"
trap 'echo bye' EXIT
exit 6
