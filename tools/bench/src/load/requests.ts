import type { RequestHead } from './load.ts';

/** The least that HTTP/1.1 allows. */
export const minimal: RequestHead = { method: 'GET', path: '/', headers: { Host: 'web' } };

/** The headers that a browser sends besides `Host`, of the usual length: eleven. */
export const browser: RequestHead = {
  method: 'GET',
  path: '/shop/products?category=shoes&page=2',
  headers: {
    Host: 'web',
    'User-Agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'Accept-Encoding': 'gzip, deflate, br, zstd',
    'Accept-Language': 'en-US,en;q=0.9,de;q=0.8',
    Referer: 'http://web/shop/products?category=shoes&page=1',
    Cookie: 'session=6f1e0c1d5b8e4b7f9a0d2c3e4f5a6b7c; theme=dark; consent=necessary.statistics; cart=c81e728d9d4c2f63',
    'Cache-Control': 'max-age=0',
    'Upgrade-Insecure-Requests': '1',
    'Sec-Fetch-Dest': 'document',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Site': 'same-origin',
  },
};
