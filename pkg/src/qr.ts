/** Requests as QR codes. An entry of its own, so that who shows none does not load the code for it. */

import { encodeQR } from 'qr';
import { checkRequest } from './requestText.js';

/**
 * A request as a QR code: an SVG, black on white, that scales to any size. Throws `INVALID_ARGUMENT` for what is no request.
 *
 * @example
 * import { requestQr } from '@chit/client/qr';
 *
 * const { text } = await client.createRequest({ token, amount: 1_000000n });
 * image.src = `data:image/svg+xml,${encodeURIComponent(requestQr(text))}`;
 */
export function requestQr(text: string): string {
  checkRequest(text, 'text');
  // The quiet zone that the standard asks for, and white behind it, or dark pages would hide the code.
  const svg = encodeQR(text, 'svg', { ecc: 'low', border: 4 });
  return svg.replace('>', '><rect width="100%" height="100%" fill="#fff"/>');
}
