import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** How a devnet ended. */
export interface DevnetEnd {
  /** The exit code, or the signal that ended it. */
  readonly exit: number | string
  /** The last line of stdout. */
  readonly lastLine: string
  readonly stderr: string
}

/** A devnet that runs, as a process of its own. */
export interface RunningDevnet {
  kill(signal: NodeJS.Signals): void
  /** Resolves when stderr has come to match. @throws when the process ends before */
  shown(pattern: RegExp): Promise<void>
  /** The processes of its nodes at present. */
  nodePids(): Promise<number[]>
  readonly end: Promise<DevnetEnd>
}

const launcher = fileURLToPath(new URL('../../examples/soma-p2p.mjs', import.meta.url))

/** Runs `soma-p2p devnet --json` as somebody at a terminal would. */
export function startDevnet(...flags: string[]): RunningDevnet {
  const child = spawn(process.execPath, ['-C', 'source', launcher, 'devnet', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const end = once(child, 'close').then(([code, signal]): DevnetEnd => {
    return { exit: signal ?? code, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', stderr }
  })
  return {
    kill: (signal) => child.kill(signal),
    async shown(pattern) {
      while (!pattern.test(stderr)) {
        await Promise.race([once(child.stderr, 'data'), end])
        if (child.exitCode !== null && !pattern.test(stderr)) throw new Error(`ended without ${pattern}:\n${stderr}`)
      }
    },
    nodePids: () => childrenOf(child.pid ?? 0),
    end
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return rows.filter(([, ppid]) => ppid === parent).map(([pid = 0]) => pid)
}

/** Whether a process is there. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
