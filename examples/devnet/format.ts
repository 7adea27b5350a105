const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** A number for people: `12,345`. */
export function formatNumber(value: number): string {
  return numbers.format(value)
}

/** A number for people, with one decimal: `12,345.6`. */
export function formatTenths(value: number): string {
  return tenths.format(value)
}

/** How many there are: `1 validator`, `4 validators`. */
export function formatCount(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Bytes as mebibytes, without the unit. */
export function formatMebibytes(bytes: number): string {
  return formatTenths(bytes / (1024 * 1024))
}

/** A time for people: `0.42 s`, `12 s`, `3 min 20 s`; `-` where it is not known. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-'
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Rows with their columns below each other; columns of numbers to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell)))
  const widths = header.map((title, column) => Math.max(title.length, ...text.map((row) => row[column]?.length ?? 0)))
  const right = header.map((_, column) => rows.every((row) => typeof row[column] === 'number'))
  return [header, ...text]
    .map((row) =>
      row
        .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}
