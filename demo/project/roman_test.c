#include "roman.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void Expect(int holds, const char* what) {
  if (!holds) {
    printf("FAIL %s\n", what);
    ++failures;
  }
}

int main(void) {
  char text[16];
  WriteRoman(1994, text, sizeof(text));
  Expect(strcmp(text, "MCMXCIV") == 0, "1994 is MCMXCIV");
  Expect(WriteRoman(0, text, sizeof(text)) == 0, "there is no zero");
  Expect(WriteRoman(4000, text, sizeof(text)) == 0, "4000 is too much");
  Expect(ReadRoman("IIII") == 0, "nobody writes IIII");
  Expect(ReadRoman("") == 0, "nothing is no number");
  unsigned round_trips = 0;
  for (unsigned number = 1; number < 4000; ++number) {
    WriteRoman(number, text, sizeof(text));
    round_trips += ReadRoman(text) == number;
  }
  Expect(round_trips == 3999, "every number can be read back");
  printf("%u round trips, %d failures\n", round_trips, failures);
  return failures != 0;
}
