"""Computes pi to a thousand digits by Machin's formula, and writes them to pi.txt."""


def arctan_of_inverse(x, unity):
    term = total = unity // x
    n, sign = 3, -1
    while term:
        term //= x * x
        total += sign * (term // n)
        sign, n = -sign, n + 2
    return total


def main():
    digits = 1000
    unity = 10 ** (digits + 10)
    pi = 4 * (4 * arctan_of_inverse(5, unity) - arctan_of_inverse(239, unity))
    text = str(pi // 10**10)
    with open("pi.txt", "w", encoding="ascii") as file:
        file.write(text + "\n")
    print(f"digits 991 to 1000: {text[-10:]}")


main()
