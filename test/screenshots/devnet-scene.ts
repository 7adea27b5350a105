import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Scene } from './scenes.ts'

const LAUNCHER = fileURLToPath(new URL('../../examples/soma-p2p.mjs', import.meta.url))

/** A devnet whose full nodes follow, by its page. */
export async function devnet(): Promise<Scene> {
  const flags = ['devnet', '--validators', '4', '--full-nodes', '3', '--commits', '100', '--follow', '600']
  const child = spawn(process.execPath, [LAUNCHER, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let url: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /^The network's page: (\S+)$/.exec(line)?.[1]
    if (line.startsWith('Following live')) break
  }
  if (url === undefined) throw new Error('the devnet said nothing of a page')
  child.stdout.resume()
  await delay(8_000)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT')
      await ended
    }
  }
}
