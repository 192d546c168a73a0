// The classes of a desktop: what a program of many windows is made of.
//
// Each class is a table of functions that the library fills with names, and each name
// is looked up at start. C++ programs of 2003 had them by the ten thousand.
#ifndef KIT_H
#define KIT_H

struct widget;

// What every widget can do. A class of the second library takes some of it over from
// the class that it is made from, by name, across the libraries.
struct class {
  const char *name;
  int (*width)(const struct widget *);
  int (*height)(const struct widget *);
  int (*wish)(const struct widget *);
  int (*press)(struct widget *);
  int (*release)(struct widget *);
  int (*draw)(const struct widget *);
};

struct widget {
  const struct class *class;
  int size, pressed;
};

// ONE of 200 numbers each: EACH(ONE) is ONE(000) ONE(001) ... ONE(199).
#define TEN(ONE, n)                                                                            \
  ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) ONE(n##8)      \
  ONE(n##9)
#define HUNDRED(ONE, n)                                                                        \
  TEN(ONE, n##0) TEN(ONE, n##1) TEN(ONE, n##2) TEN(ONE, n##3) TEN(ONE, n##4) TEN(ONE, n##5)      \
  TEN(ONE, n##6) TEN(ONE, n##7) TEN(ONE, n##8) TEN(ONE, n##9)
#define EACH(ONE) HUNDRED(ONE, 0) HUNDRED(ONE, 1)
enum { CLASSES = 200 };

// 1000 + n, since 010 alone would be octal.
#define NUMBER(n) (1##n - 1000)

#define DECLARE(n)                                                                             \
  int kit_##n##_width(const struct widget *);                                                   \
  int kit_##n##_height(const struct widget *);                                                  \
  int kit_##n##_wish(const struct widget *);                                                    \
  int kit_##n##_press(struct widget *);                                                         \
  int kit_##n##_release(struct widget *);                                                       \
  int kit_##n##_draw(const struct widget *);                                                    \
  extern const struct class kit_##n##_class, widget_##n##_class;
EACH(DECLARE)

extern const struct class *const kit_classes[CLASSES], *const widget_classes[CLASSES];

#endif
