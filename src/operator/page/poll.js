/** Milliseconds between updates, and for which an answer is waited for. */
const INTERVAL_MS = 1_000
const ANSWER_MS = 6_000

/** No answer, or one that is none: the server is there, and the node does not say how it is. */
export class NoAnswer extends Error {}

/**
 * Asks for JSON.
 *
 * @throws {NoAnswer}
 */
export async function ask(path, signal) {
  try {
    const response = await fetch(path, { signal, cache: 'no-store' })
    if (response.ok) return await response.json()
    throw new NoAnswer((await response.text()).trim())
  } catch (thrown) {
    throw thrown instanceof NoAnswer ? thrown : new NoAnswer('nothing answers at this address')
  }
}

/**
 * Updates once a second as long as the page is seen.
 *
 * @param {(signal: AbortSignal) => Promise<void>} update asks, and shows what it is told
 * @param {(silence: { since: number, reason: string } | undefined) => void} onSilence told when nothing is heard, and since when; `undefined` once something is
 */
export function poll(update, onSilence) {
  let heardAt = Date.now()
  let timer
  let isLooking = false
  async function look() {
    clearTimeout(timer)
    if (isLooking || document.hidden) return
    isLooking = true
    try {
      await update(AbortSignal.timeout(ANSWER_MS))
      heardAt = Date.now()
      onSilence(undefined)
    } catch (thrown) {
      if (!(thrown instanceof NoAnswer)) throw thrown
      onSilence({ since: heardAt, reason: thrown.message })
    } finally {
      isLooking = false
      timer = setTimeout(look, INTERVAL_MS)
    }
  }
  document.addEventListener('visibilitychange', look)
  void look()
}
