import { type DoctorReport, examine as examineMachine } from "../setup/doctor.js"
import { parseOptions } from "./config.js"
import { type ExamineOptions, examineSchema } from "./options/examine.js"

/**
 * Starts the engine and tells what this machine can run, and how to fix what it cannot.
 * @throws UserError when the engine that was asked for cannot run here
 */
export async function examine(options: ExamineOptions = {}): Promise<DoctorReport> {
  return examineMachine(parseOptions("examine", examineSchema, options).engine)
}
