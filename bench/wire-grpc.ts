import { once } from 'node:events'
import {
  type ChannelOptions,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials
} from '@grpc/grpc-js'
import type { WireMessage } from '../src/runtime/wire-message.ts'
import {
  type FetchBlocksRequest,
  type FetchBlocksResponse,
  fetchBlocksRequestMessage,
  fetchBlocksResponseMessage,
  type GetCommitAvailabilityRequest,
  type GetCommitAvailabilityResponse,
  getCommitAvailabilityRequestMessage,
  getCommitAvailabilityResponseMessage
} from '../src/state-sync/messages.ts'
import { selfSigned } from './self-signed.ts'
import type { Answers, WireAddress, WireClient } from './wire.ts'

/** The best that gRPC-js does: windows that hold what is under way, and no limit to a message. */
const OPTIONS: ChannelOptions = {
  'grpc-node.flow_control_window': 16 * 1024 * 1024,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.ssl_target_name_override': 'localhost'
}

function method<Request, Response>(
  name: string,
  request: WireMessage<Request>,
  response: WireMessage<Response>,
  responseStream: boolean
): MethodDefinition<Request, Response> {
  return {
    path: `/soma/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (value) => toBuffer(request.encode(value)),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => toBuffer(response.encode(value)),
    responseDeserialize: (bytes) => response.decode(bytes)
  }
}

/** The same messages in the same encoding. */
const SERVICE = {
  fetchBlocks: method('FetchBlocks', fetchBlocksRequestMessage, fetchBlocksResponseMessage, true),
  availability: method(
    'GetCommitAvailability',
    getCommitAvailabilityRequestMessage,
    getCommitAvailabilityResponseMessage,
    false
  )
}

/** Answers by gRPC over TLS. */
export async function serveGrpc(answers: Answers): Promise<WireAddress> {
  const { key, cert } = await selfSigned()
  const fetchBlocks: handleServerStreamingCall<FetchBlocksRequest, FetchBlocksResponse> = async (call) => {
    for (const response of answers.fetchBlocks(call.request)) {
      if (!call.write(response)) await once(call, 'drain')
    }
    call.end()
  }
  const availability: handleUnaryCall<GetCommitAvailabilityRequest, GetCommitAvailabilityResponse> = (call, answer) =>
    answer(null, answers.availability(call.request))
  const server = new Server(OPTIONS)
  server.addService(SERVICE, { fetchBlocks, availability })
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
  const serverCredentials = ServerCredentials.createSsl(null, [pair])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { address: `127.0.0.1:${port}`, certificate: cert }
}

/** Asks by gRPC, over one channel. */
export async function connectGrpc({ address, certificate = '' }: WireAddress): Promise<WireClient> {
  const Client = makeGenericClientConstructor(SERVICE, 'soma')
  const client = new Client(address, credentials.createSsl(Buffer.from(certificate)), OPTIONS)
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()))
  })
  const { fetchBlocks, availability } = SERVICE
  return {
    async *fetchBlocks(request) {
      const { path, requestSerialize, responseDeserialize } = fetchBlocks
      const answer = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
      for await (const { blocks } of answer as AsyncIterable<FetchBlocksResponse>) {
        yield blocks.reduce((sum, block) => sum + block.byteLength, 0)
      }
    },
    availability: (request) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = availability
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
          answer === undefined ? reject(error) : resolve(answer)
        )
      })
  }
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
