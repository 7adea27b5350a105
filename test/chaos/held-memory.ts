import { readFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What a process takes of the machine's memory, in bytes. */
export interface HeldMemory {
  /** Of V8's heap and beside it, whatever took it. */
  readonly anonymousBytes: number
  /** Of V8's heap and of the buffers beside it that V8 knows of. */
  readonly heapBytes: number
}

let collect: ((options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void) | undefined

/**
 * Collects all garbage of this thread, and says what is left.
 *
 * What a process takes without that says little: V8's young generation alone has between one MiB and 128, and stays so large for minutes. Files that are mapped, as LevelDB's
 * are, do not count: they are the machine's to take back. Where the machine does not tell them apart, all that is resident counts.
 */
export async function heldMemory(): Promise<HeldMemory> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as NonNullable<typeof collect>
  }
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }) // the young generation shrinks only by this one
  const { rss, heapUsed, external } = process.memoryUsage()
  return { anonymousBytes: (await anonymousBytes()) ?? rss, heapBytes: heapUsed + external }
}

/** `undefined` on systems that do not say. */
async function anonymousBytes(): Promise<number | undefined> {
  const status = process.platform === 'linux' ? await readFile('/proc/self/status', 'utf8') : ''
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? []
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}
