import { type Figure, isMet } from './figure.ts'

/** A figure as a line for people. @param judged whether it says what the goal is, and whether it is met */
export function formatFigure(figure: Figure, judged: boolean): string {
  const { benchmark, case: name, value, unit, spread, against, againstValue, ratio, goal } = figure
  const [low, high] = spread.map(digits)
  const line = `${benchmark}, ${name}: ${digits(value)} ${unit} (${low} to ${high}); ${against}: ${digits(againstValue)}; ratio ${ratio.toFixed(2)}`
  if (goal === undefined || !judged) return line
  const bound = 'least' in goal ? `at least ${goal.least}` : `at most ${goal.most}`
  return `${line}, goal ${bound}: ${isMet(figure) ? 'met' : 'not met'}`
}

/** Three digits that count, at least. */
export function digits(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 3)
}
