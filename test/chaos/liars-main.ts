// The process of all liars. Its parent asks it over IPC: see protocol.ts.
import type { Liars as All } from './liars.ts'
import type { LiarCalls } from './protocol.ts'
import { serveCalls, tell } from './serve-calls.ts'

const { Liars } = await import('./liars.ts')
let liars: All | undefined

function started(): All {
  if (liars === undefined) throw new RangeError('not started')
  return liars
}

serveCalls<LiarCalls>({
  async start(settings) {
    liars = await Liars.start(settings, tell)
    return null
  },
  lie: (what) => started().lie(what),
  async rest() {
    started().rest()
    return null
  },
  asked: async () => started().asked,
  async stop() {
    await liars?.stop()
    return null
  }
})
