import { ask } from './poll.js'

/** Moments kept: as many as the server has. */
const CAPACITY = 900
/** Moments that a rate is taken over: shorter jumps with every write, longer is late. */
const RATE_MOMENTS = 5

/** What the server remembers of the last quarter of an hour, brought up to date with what is new. */
export class History {
  #next = 0
  atMs = []
  columns = {}

  async update(signal) {
    const news = await ask(`history?from=${this.#next}`, signal)
    const isContinued = news.from === this.#next
    const join = (before, more) => (isContinued ? [...before, ...more].slice(-CAPACITY) : more)
    this.atMs = join(this.atMs, news.atMs)
    for (const [name, values] of Object.entries(news.columns))
      this.columns[name] = join(this.columns[name] ?? [], values)
    this.#next = news.from + news.atMs.length
  }

  get seconds() {
    return this.atMs.map((atMs) => atMs / 1000)
  }

  /** How fast a column grows, a second, at each moment. */
  rates(name) {
    const values = this.columns[name] ?? []
    return values.map((value, at) => {
      const from = Math.max(0, at - RATE_MOMENTS)
      const seconds = (this.atMs[at] - this.atMs[from]) / 1000
      return seconds > 0 ? Math.max(0, (value - values[from]) / seconds) : null
    })
  }

  /** How fast a column grows now, a second. */
  rate(name) {
    return this.rates(name).at(-1) ?? Number.NaN
  }
}
