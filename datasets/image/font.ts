/** Width and height of a letter in dots, the part under the line included, and the step to the next letter. */
const letterWidth = 5
export const letterHeight = 9
export const letterStep = 6

/**
 * A small upright font, so that a picture gets its labels on machines without any. A letter is its rows from above, each
 * a base-32 digit whose bits are the five dots, the left one highest; two more rows where it goes under the line.
 */
const letters: Readonly<Record<string, string>> = Object.fromEntries(
  (
    "0ehjlphe 14c4444e 2eh1248v 3v2421he 426aiv22 5vgu11he 668guhhe 7v124888 8ehhehhe 9ehhf12c " +
    "Aehhvhhh Buhhuhhu Cehggghe Duhhhhhu Evgguggv Fvgguggg Gehgnhhf Hhhhvhhh Ie44444e J72222ic Khikokih Lggggggv " +
    "Mhrllhhh Nhhpljhh Oehhhhhe Puhhuggg Qehhhlid Ruhhukih Sfgge11u Tv444444 Uhhhhhhe Vhhhhha4 Whhhllrh Xhha4ahh " +
    "Yhha4444 Zv1248gv a00e1fhf bgguhhhu c00egghe d11fhhhf e00ehvge f698s888 g00fhhhf1e hgguhhhh i40c444e " +
    "j2062222ic kggikoki lc44444e m00qllhh n00uhhhh o00ehhhe p00uhhhugg q00fhhhf11 r00mpggg s00fge1u t88s8896 " +
    "u00hhhjd v00hhha4 w00hhlla x00ha4ah y00hhhhf1e z00v248v .00000cc ,00000cc48 -000e000 _000000v :0cc0cc0 " +
    "%op248j3 /01248g0 (2488842 )8422248 +044v440 #aavavaa '4400000 !4444404 ?eh12404 =00v0v00 *04lel40 " +
    "[e88888e ]e22222e <248g842 >8421248 &cik8lid"
  )
    .split(" ")
    .map((entry) => [entry[0], entry.slice(1)]),
)

/** What stands for a letter that the font lacks. */
const unknown = "vhhhhhv"

/** Whether the font has all letters of a text. */
export const hasLetters = (text: string): boolean =>
  [...text].every((letter) => letter === " " || Object.hasOwn(letters, letter))

/** Calls `dot` for every dot of a line of text, with x and y in dots from its upper left. */
export function eachDot(text: string, dot: (x: number, y: number) => void): void {
  for (const [place, letter] of [...text].entries()) {
    if (letter === " ") continue
    for (const [y, digit] of [...(Object.hasOwn(letters, letter) ? letters[letter]! : unknown)].entries()) {
      const row = Number.parseInt(digit, 32)
      for (let x = 0; x < letterWidth; x++) {
        if ((row >> (letterWidth - 1 - x)) & 1) dot(place * letterStep + x, y)
      }
    }
  }
}
