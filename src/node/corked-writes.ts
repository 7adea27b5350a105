import { Socket } from 'node:net'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'

type EncrypterModule<Components, Extension> = (components: Components) => ConnectionEncrypter<Extension>

/**
 * An encrypter whose frames leave together. What it hands to the socket is a list of parts, and TCP writes each by itself: one system call for the two bytes of a
 * frame's length, and another for the frame; the other side is woken for each.
 */
export function corkWrites<Components, Extension>(
  module: EncrypterModule<Components, Extension>
): EncrypterModule<Components, Extension> {
  return (components) => {
    const encrypter = module(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureInbound = (connection, options) => secureInbound(corked(connection), options)
    encrypter.secureOutbound = (connection, options) => secureOutbound(corked(connection), options)
    return encrypter
  }
}

function corked<Connection extends MessageStream>(connection: Connection): Connection {
  if (!(connection instanceof AbstractMessageStream) || !('socket' in connection)) return connection
  const { socket } = connection
  if (!(socket instanceof Socket)) return connection
  connection.sendData = (parts) => {
    let canSendMore = true
    socket.cork()
    try {
      for (const part of parts) canSendMore = socket.write(part)
    } finally {
      socket.uncork()
    }
    return { sentBytes: parts.byteLength, canSendMore }
  }
  return connection
}
