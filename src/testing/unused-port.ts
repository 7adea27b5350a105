import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A TCP port that nobody listens on now: for whoever has to be named before it listens.
 *
 * @param host IP address. @default 127.0.0.1
 */
export async function unusedPort(host: string = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  const closed = once(server, 'close')
  server.close()
  await closed
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
  return address.port
}
