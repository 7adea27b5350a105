import { InvalidArgumentError } from 'commander'

/** Reads a flag that is a whole number. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `from ${least}`
    throw new InvalidArgumentError(`It should be a whole number ${range}.`)
  }
}
