#ifndef ROMAN_H
#define ROMAN_H

#include <stddef.h>

// Writes `number` (1 to 3999) in Roman numerals; returns the length, or 0 if it cannot.
size_t WriteRoman(unsigned number, char* text, size_t size);

// Reads Roman numerals; returns 0 if the text is none.
unsigned ReadRoman(const char* text);

#endif
