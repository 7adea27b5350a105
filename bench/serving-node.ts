import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createNode, fromHex } from '../src/index.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../src/testing/index.ts'
import { childOptions } from './child.ts'

/** A process that serves a chain. It tells its address once it listens, and answers every message with how it has fared since the last. */
export interface ServingNodeOptions {
  readonly genesis: string
  readonly store: string
  readonly validator: number
}

/** How a serving process fared for a while. */
export interface ServingEffort {
  /** 99th percentile and highest of the event loop's delay, in milliseconds, with the 10 ms of the timer that measures it. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number }
  /** CPU seconds, all threads. */
  readonly cpuSeconds: number
  /** Largest resident set since the process began, in bytes. */
  readonly peakRssBytes: number
}

const { genesis, store, validator } = childOptions<ServingNodeOptions>()
const bytes = fromHex(genesis)
const node = await createNode({
  genesis: bytes,
  store,
  privateKey: await networkPrivateKey(deriveValidatorKeys(1, validator)),
  config: { signatureWorkers: 0 }
})
await node.start()
process.send?.({ address: node.addresses()[0] })

const delay = monitorEventLoopDelay()
delay.enable()
let cpu = process.cpuUsage()
process.on('message', () => {
  const used = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  process.send?.({
    loopDelayMs: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024
  } satisfies ServingEffort)
  delay.reset()
})
