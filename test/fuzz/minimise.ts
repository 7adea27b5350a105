import type { OpenTarget } from './fuzz-target.ts'

/** Runs at most. */
const MAX_RUNS = 2_000

/** Takes away what an input does not need to break the same thing: halves, then smaller and smaller parts. */
export async function minimise(
  input: Uint8Array,
  thrown: unknown,
  target: Pick<OpenTarget, 'run'>
): Promise<Uint8Array> {
  let smallest = input
  let runs = 0
  for (let part = Math.ceil(input.byteLength / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let at = 0; at < smallest.byteLength && runs < MAX_RUNS; runs++) {
      const candidate = new Uint8Array(Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + part)]))
      if (await breaks(candidate, thrown, target)) smallest = candidate
      else at += part
    }
  }
  return smallest
}

async function breaks(input: Uint8Array, before: unknown, target: Pick<OpenTarget, 'run'>): Promise<boolean> {
  try {
    await target.run(input)
    return false
  } catch (thrown) {
    return placeOf(thrown) === placeOf(before)
  }
}

/** The kind of an error and the line that threw it: its message may quote the input. */
function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const place = thrown.stack?.split('\n').find((line) => line.startsWith('    at '))
  return `${thrown.name} ${place}`
}
