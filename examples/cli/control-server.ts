import { once } from 'node:events'
import { chmod, lstat, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import { ControlError } from './cli-error.ts'
import { controlSocketPath } from './control-socket.ts'

/** What a running node answers, by method and path: `GET /status`. It gets what the request says after a question mark, and what it returns goes out as JSON. */
export type ControlRoutes = Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>>

/** The door of a running node for other processes of its owner. */
export interface ControlServer {
  /** Resolves when the socket is gone. Idempotent. */
  stop(): Promise<void>
}

/** Requests at once; a person and a script or two. */
const MAX_CONNECTIONS = 16

/**
 * Answers HTTP on a Unix domain socket, `control.sock`, in the data directory. Only the owner of the process can connect to it. The
 * socket of a process that died is replaced.
 *
 * @param onError called with failures of the open socket, such as too many open files; it goes on
 * @throws {ControlError} `CONTROL_NODE_RUNNING` when another process answers there, `CONTROL_PATH_TOO_LONG`, `CONTROL_UNAVAILABLE`
 */
export async function openControlServer(
  dataDir: string,
  routes: ControlRoutes,
  onError: (error: Error) => void
): Promise<ControlServer> {
  const path = controlSocketPath(dataDir)
  const server = createServer((request, response) => {
    const [path = '', query] = (request.url ?? '').split('?')
    const route = routes[`${request.method} ${path}`]
    const answer = (status: number, body: unknown): void => {
      const content = JSON.stringify(body)
      response.writeHead(status, { 'content-type': 'application/json' }).end(content)
    }
    if (route === undefined) {
      answer(404, { code: 'NOT_FOUND', message: `no ${request.method} ${path} here` })
      return
    }
    route(new URLSearchParams(query))
      .then((body) => answer(200, body))
      .catch((thrown: unknown) => answer(500, { code: errorCode(thrown), message: toError(thrown).message }))
  })
  server.maxConnections = MAX_CONNECTIONS
  await claim(server, path)
  server.on('error', onError)
  return {
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

async function claim(server: Server, path: string): Promise<void> {
  try {
    try {
      await listen(server, path)
    } catch (thrown) {
      if (errorCode(thrown) !== 'EADDRINUSE') throw thrown
      await removeStale(path)
      await listen(server, path)
    }
    await chmod(path, 0o600)
  } catch (cause) {
    if (cause instanceof ControlError) throw cause
    throw new ControlError('CONTROL_UNAVAILABLE', `cannot open the control socket ${path}: ${toError(cause).message}`, {
      cause
    })
  }
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen(path)
  await once(server, 'listening')
}

async function removeStale(path: string): Promise<void> {
  if (!(await lstat(path)).isSocket()) throw new ControlError('CONTROL_UNAVAILABLE', `${path} is there and no socket`)
  if (await answers(path))
    throw new ControlError('CONTROL_NODE_RUNNING', `a node is running on this data directory: ${path} answers`)
  await unlink(path)
}

/** Whether a process listens on a socket. One that a dead process left behind refuses. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (thrown) {
    if (errorCode(thrown) === 'ECONNREFUSED') return false
    throw thrown
  } finally {
    socket.destroy()
  }
}
