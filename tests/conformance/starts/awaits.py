import asyncio, concurrent.futures
async def main():
    await asyncio.sleep(0)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        print(await asyncio.get_running_loop().run_in_executor(pool, sum, [1, 2]))
asyncio.run(main())
with concurrent.futures.ProcessPoolExecutor(1) as pool:
    print(pool.submit(max, 3, 4).result())
