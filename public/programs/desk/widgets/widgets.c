// The classes that programs use: each is one of the kit's, wider and drawn otherwise.
#include "../kit/kit.h"

#define CLASS(n)                                                                               \
  int widget_##n##_width(const struct widget *w) { return 2 + kit_##n##_class.width(w); }       \
  int widget_##n##_draw(const struct widget *w) { return w->pressed ? '*' : '+'; }              \
  const struct class widget_##n##_class = {                                                    \
      "widget" #n,       widget_##n##_width, kit_##n##_height,    kit_##n##_wish,                \
      kit_##n##_press, kit_##n##_release,  widget_##n##_draw,                                   \
  };
EACH(CLASS)

#define ENTRY(n) &widget_##n##_class,
const struct class *const widget_classes[CLASSES] = {EACH(ENTRY)};
