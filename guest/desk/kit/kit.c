// The classes that others are made from.
#include "kit.h"

#define METHODS(n)                                                                             \
  int kit_##n##_width(const struct widget *w) { return 8 + w->size + NUMBER(n) % 7; }           \
  int kit_##n##_height(const struct widget *w) { return 4 + w->size / 2 + NUMBER(n) % 3; }      \
  int kit_##n##_wish(const struct widget *w) {                                                 \
    return w->class->width(w) * w->class->height(w);                                           \
  }                                                                                            \
  int kit_##n##_press(struct widget *w) { return ++w->pressed; }                                \
  int kit_##n##_release(struct widget *w) { return w->pressed > 0 ? --w->pressed : 0; }         \
  int kit_##n##_draw(const struct widget *w) { return w->pressed ? '#' : '-'; }                 \
  const struct class kit_##n##_class = {                                                       \
      "kit" #n,          kit_##n##_width,   kit_##n##_height, kit_##n##_wish,                    \
      kit_##n##_press, kit_##n##_release, kit_##n##_draw,                                       \
  };
EACH(METHODS)

#define ENTRY(n) &kit_##n##_class,
const struct class *const kit_classes[CLASSES] = {EACH(ENTRY)};
