module pkg

go 1.25
