// desk [WIDGETS]: opens a window with so many widgets, presses every third, draws them.
//
// It uses a few of its libraries' classes, but all of them have names in their tables:
// a dynamic linker looks for thousands of names before main. What prebinding and
// resident images were proposed for were programs like this one.
#include "../../libc/libc.h"
#include "../kit/kit.h"

enum { MOST = 48 };

int main(int argc, char **argv) {
  long wanted = argc > 1 ? atol(argv[1]) : 12;
  if (wanted < 1 || wanted > MOST) {
    puts("usage: desk [WIDGETS], from 1 to 48");
    return 2;
  }
  static struct widget widgets[MOST];
  static char row[MOST + 1];
  int area = 0, width = 0, height = 0;
  for (int i = 0; i < wanted; i++) {
    struct widget *w = &widgets[i];
    // A window's parts are of all kinds, some of them the kit's own.
    const struct class *const *classes = i % 4 == 3 ? kit_classes : widget_classes;
    w->class = classes[i * 37 % CLASSES];
    w->size = i % 5;
    if (i % 3 == 0)
      w->class->press(w);
    width += w->class->width(w);
    if (w->class->height(w) > height)
      height = w->class->height(w);
    area += w->class->wish(w);
    row[i] = (char)w->class->draw(w);
  }
  puts(row);
  printf("a window of %d widgets, %d by %d, %d of it theirs\n", (int)wanted, width, height, area);
  return 0;
}
