// The locale "C": the classes of characters that the scanner asks for, and the
// names of days and months.
#include "../perl/perl.h"

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static char letters_upper[256], letters_lower[256];

void locale_init(void) {
  for (unsigned c = 0; c < 256; c++) {
    letters_upper[c] = (char)(c < 128 ? uni_upper(c) : c);
    letters_lower[c] = (char)(c < 128 ? uni_lower(c) : c);
  }
}

// gmtime: seconds since 1970 as a date (days from civil, H. Hinnant's method).
static void put(struct array *out, long v) { array_push(out, whole(v)); }

void gmtime_list(struct op *o, struct array *out) {
  long seconds = o->kids ? value_long(eval(o->kid[0])) : 0, day = seconds / 86400, rest = seconds % 86400;
  if (rest < 0)
    rest += 86400, day--;
  long z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  long doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  long month = mp < 10 ? mp + 2 : mp - 10, year = yoe + era * 400 + (month <= 1);
  int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  long yday = month <= 1 ? doy - 306 : doy + 59 + leap;
  put(out, rest % 60);
  put(out, rest / 60 % 60);
  put(out, rest / 3600);
  put(out, doy - (153 * mp + 2) / 5 + 1);
  put(out, month);
  put(out, year - 1900);
  put(out, ((day % 7) + 11) % 7);
  put(out, yday);
  put(out, 0);
}

struct value gmtime_run(struct op *o) {
  struct array t = {0}, shown = {0};
  gmtime_list(o, &t);
  array_push(&shown, string_of(days[t.at[6].i]));
  array_push(&shown, string_of(months[t.at[4].i]));
  for (int i = 3; i >= 0; i--)
    array_push(&shown, t.at[i]);
  array_push(&shown, whole(t.at[5].i + 1900));
  return format_values(string_of("%s %s %2d %02d:%02d:%02d %d"), shown.at, shown.count);
}
