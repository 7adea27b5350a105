import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** An address where nobody answers, and everybody is counted. */
export interface DeadAddress {
  readonly address: string
  /** The addresses of those who dialled it, as often as they did. */
  readonly diallers: readonly string[]
}

/** Listens on loopback for dials that are not to be made, or are to fail. */
export async function countDials(context: TestContext): Promise<DeadAddress> {
  const diallers: string[] = []
  const server = createServer((socket: Socket) => {
    diallers.push(socket.remoteAddress ?? '')
    socket.on('error', () => {})
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { address: `/ip4/127.0.0.1/tcp/${port}`, diallers }
}
