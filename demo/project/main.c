#include <stdio.h>
#include <stdlib.h>

#include "roman.h"

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    char text[16];
    if (WriteRoman((unsigned)strtoul(arguments[i], NULL, 10), text, sizeof(text)) > 0) {
      printf("%s\n", text);
    } else {
      printf("%u\n", ReadRoman(arguments[i]));
    }
  }
  return 0;
}
