"""Do three things at once: the whole takes as long as the slowest."""

import asyncio
import time


async def brew(drink, seconds):
    print(f"{drink}: started")
    await asyncio.sleep(seconds)
    print(f"{drink}: ready after {seconds} s")
    return drink


async def main():
    start = time.perf_counter()
    drinks = await asyncio.gather(brew("tea", 0.6), brew("coffee", 0.9), brew("water", 0.1))
    took = time.perf_counter() - start
    print(f"{', '.join(drinks)}: all in {took:.1f} s")


asyncio.run(main())
