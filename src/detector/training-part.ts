/** What of a detector learns: all, the RPN by its losses, or the head on every region by its. */
export const trainingParts = ["both", "rpn", "head"] as const
export type TrainingPart = (typeof trainingParts)[number]
