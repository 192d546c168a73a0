# Fifty lines of bash: arrays, expansions, processes, traps and files.
set -u
declare -A age=([ann]=31 [bob]=27 [cy]=44)
for name in $(printf '%s\n' "${!age[@]}" | sort); do
  printf '%-4s %3d\n' "$name" "${age[$name]}"
done
fact() {
  if (($1 < 2)); then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi
}
echo "10! = $(fact 10)"
list=(pear apple fig)
list+=("kiwi fruit")
echo "${#list[@]} ${list[*]:1:2} ${list[-1]}"
mapfile -t sorted < <(printf '%s\n' "${list[@]}" | sort)
printf '[%s]' "${sorted[@]}"
echo
text="The year 2024, the month 02"
if [[ $text =~ ([0-9]{4}).*([0-9]{2}) ]]; then
  echo "${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
fi
echo "${text,,}" "${text//the/THE}" "${text%%,*}" "${text:4:4}"
sum=0
while read -r a b; do
  ((sum += a * b))
done <<< $'1 2\n3 4\n5 6'
echo "sum $sum"
for ((i = 0; i < 3; i++)); do
  case $i in
    0) echo zero ;; [12]) echo "one or two" ;;
  esac
done
trap 'echo "on exit $?"' EXIT
trap 'echo "got USR1"' USR1
kill -USR1 $$
(cd /usr && echo "$PWD" && exit 4)
echo "status $?"
false | true
echo "pipe ${PIPESTATUS[*]}"
cat << HERE | tr a-z A-Z | fold -w 6
from here $((6 * 7))
HERE
echo "$(seq 1 5 | paste -sd+)" = "$(($(seq 1 5 | paste -sd+)))"
sleep 0 & wait $!
echo "child $?"
printf -v hex '%x' 255
echo "$hex" > /tmp/pagewalk-tour.$$
read -r back < /tmp/pagewalk-tour.$$
rm /tmp/pagewalk-tour.$$
echo "$back"; [[ -e /tmp/pagewalk-tour.$$ ]] || echo gone
exit 5
