const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** A number of things. */
export function count(value) {
  return value === undefined || value === null ? '–' : whole.format(value)
}

/** A rate: small ones with a digit after the point. */
export function rate(value) {
  if (!Number.isFinite(value)) return '–'
  return value > 0 && value < 10 ? tenths.format(value) : whole.format(value)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes as a number and its unit. */
export function bytes(value) {
  let unit = 0
  let size = value
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1024
    unit += 1
  }
  return [unit === 0 || size >= 100 ? whole.format(size) : tenths.format(size), UNITS[unit]]
}

/** Milliseconds, in the two largest units. */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A time of the day. */
export function timeOf(atMs) {
  return new Date(atMs).toLocaleTimeString('en-GB')
}

/** Peer ids and digests, which begin alike, by their ends too. */
export function short(id) {
  return id.length > 16 ? `${id.slice(0, 6)}…${id.slice(-6)}` : id
}

/** A text in which each peer id and digest is short. */
export function shortened(text) {
  return text.replace(/\b(?:12D3Koo[1-9A-HJ-NP-Za-km-z]{45}|[0-9a-f]{64})\b/g, short)
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`
}
