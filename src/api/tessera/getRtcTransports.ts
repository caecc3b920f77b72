import { endpoint } from '../../http/endpoint.ts'

export const getRtcTransports = endpoint('getRtcTransports', async (_call, { rtcTransports }) => ({
  rtc_transports: rtcTransports,
}))
