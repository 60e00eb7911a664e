#include "roman.h"

#include <string.h>

static const struct {
  unsigned value;
  const char* letters;
} kSteps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
              {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
enum { kStepCount = sizeof(kSteps) / sizeof(kSteps[0]) };

size_t WriteRoman(unsigned number, char* text, size_t size) {
  if (number == 0 || number > 3999 || size < 16) return 0;
  size_t length = 0;
  for (int i = 0; i < kStepCount; ++i) {
    for (; number >= kSteps[i].value; number -= kSteps[i].value) {
      strcpy(text + length, kSteps[i].letters);
      length += strlen(kSteps[i].letters);
    }
  }
  return length;
}

unsigned ReadRoman(const char* text) {
  unsigned number = 0;
  const char* rest = text;
  for (int i = 0; i < kStepCount; ++i) {
    size_t length = strlen(kSteps[i].letters);
    for (; strncmp(rest, kSteps[i].letters, length) == 0; rest += length) {
      number += kSteps[i].value;
    }
  }
  // "IIII" and "VX" can be read that way, but nobody writes them.
  char canonical[16];
  if (*rest != '\0' || WriteRoman(number, canonical, sizeof(canonical)) == 0) return 0;
  return strcmp(canonical, text) == 0 ? number : 0;
}
